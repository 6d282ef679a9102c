"""Does changing a code change an attribute of the image, and no other?"""
