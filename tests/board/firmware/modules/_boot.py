# The file system: LittleFS as on a Pico W, on RAM that stands in for its flash.
import board
import vfs

flash = board.Flash()
try:
    filesystem = vfs.VfsLfs2(flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    filesystem = vfs.VfsLfs2(flash, progsize=256)
vfs.mount(filesystem, "/")

del board, vfs, flash, filesystem
