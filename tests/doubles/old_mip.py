# mip as the firmware of MicroPython 1.21 to 1.24 has it, in what matters here: each address in a
# manifest goes to requests as it stands.  A relative one, which mip knows since 1.25, then ends in
# requests.get, in "need more than 2 values to unpack", a ValueError.  Run on the virtual board.

import os

import requests


def install(address, target="/lib"):
    response = requests.get(address)
    urls = response.json()["urls"]
    response.close()
    for name, url in urls:
        response = requests.get(url)
        path = target
        for part in name.split("/"):
            try:
                os.mkdir(path)
            except OSError:
                pass  # it is there
            path += "/" + part
        with open(path, "wb") as file:
            file.write(response.content)
        response.close()
