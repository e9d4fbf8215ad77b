"""The same network in smaller numbers: int8 and fp16 files, each compared with the file it was made from."""
