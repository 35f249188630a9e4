# Runs a program whose packages are in an image for ROMFS: micropython in_rom.py PORT IMAGE PROGRAM

import os
import sys

import vfs


def mount(name):
    """Make the image what a board finds in its flash, and its modules the first to be found."""
    image = bytearray(os.stat(name)[6])
    with open(name, "rb") as file:
        file.readinto(image)
    vfs.mount(vfs.VfsRom(image), "/rom")
    sys.path.insert(0, "/rom/lib")


if __name__ == "__main__":
    port, image, program = sys.argv[1:]
    mount(image)
    folder, name = program.rsplit("/", 1)
    sys.path.insert(1, folder)
    sys.argv[:] = [program, port]
    __import__(name[:-3])
