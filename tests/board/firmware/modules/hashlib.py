# The firmware's hashlib with sha1, as most boards have it.
from board import sha1
from uhashlib import *
