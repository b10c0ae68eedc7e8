#!/usr/bin/env python3
"""Writes pillow.txt: what Pillow makes of two small images, for the tests of the augmentation.

    pip install pillow && python3 generate.py > pillow.txt

Each line: name, channels, height, width, then the bytes [C, H, W].
"""
import math
import random

from PIL import Image, ImageEnhance, ImageOps


def show(name, image):
    bands = image.split()
    values = [v for band in bands for v in band.tobytes()]
    print(name, len(bands), image.height, image.width, *values)


rng = random.Random(20)
color = Image.frombytes("RGB", (7, 5), bytes(rng.randrange(20, 240) for _ in range(105)))
# Enough pixels, of an uneven distribution, that equalizing does something.
gray = Image.frombytes("L", (32, 24), bytes(int(255 * rng.random() ** 3) for _ in range(768)))
show("color", color)
show("gray", gray)

for factor in (0.58, 1.42):
    for kind in ("Brightness", "Color", "Contrast", "Sharpness"):
        show(f"{kind}:{factor}", getattr(ImageEnhance, kind)(color).enhance(factor))
for bits in (4, 6):
    show(f"Posterize:{bits}", ImageOps.posterize(color, bits))
show("Solarize:136", ImageOps.solarize(color, 136))
show("AutoContrast", ImageOps.autocontrast(color))
show("Equalize", ImageOps.equalize(gray))


def affine(name, *matrix):
    show(name, color.transform(color.size, Image.AFFINE, matrix, Image.NEAREST))


for sign in (1, -1):
    s = sign * 0.3 * 14 / 30
    affine(f"ShearX:{sign}", 1, s, 0, 0, 1, 0)
    affine(f"ShearY:{sign}", 1, 0, 0, s, 1, 0)
    affine(f"TranslateX:{sign}", 1, 0, math.trunc(sign * 150 / 331 * 7 * 14 / 30), 0, 1, 0)
    affine(f"TranslateY:{sign}", 1, 0, 0, 0, 1, math.trunc(sign * 150 / 331 * 5 * 14 / 30))
    show(f"Rotate:{sign}", color.rotate(sign * 30 * 14 / 30, Image.NEAREST))
for name, box, (height, width) in [
    ("Resize:whole", (0, 0, 7, 5), (8, 11)),
    ("Resize:shrink", (0, 0, 7, 5), (2, 3)),
    ("Resize:window", (2, 1, 6, 4), (9, 3)),
]:
    show(name, color.crop(box).resize((width, height), Image.BILINEAR))
