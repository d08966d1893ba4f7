"""HEIC by pillow-heif (PyPI): decodes files to 16 bits of RGBA, or writes a matrix of them first. JSON in, JSON out."""

import io
import itertools
import json
import os
import sys

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

SRGB = ImageCms.createProfile("sRGB")


def decode(path, out):
    try:
        images = pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
        image = images[images.primary_index]
        data, mode, bits = np.asarray(image), image.mode, image.info["bit_depth"]
    except Exception as error:
        return {"error": str(error)}
    bands = {"I": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}[mode.split(";")[0]]
    data = data.reshape(data.shape[0], data.shape[1], bands)
    white = 255 if bits <= 8 else (2**bits - 1) << (16 - bits)
    profile = image.info.get("icc_profile")
    if profile and bands == 3 and bits <= 8:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        data = np.asarray(ImageCms.profileToProfile(Image.fromarray(data), source, SRGB, 1))
    data = data.astype(np.float64)
    if mode == "RGBa":
        data[:, :, :3] *= white / np.maximum(data[:, :, 3:], 1)
    data = np.clip(np.rint(data * 65535 / white), 0, 65535).astype("<u2")
    height, width = data.shape[:2]
    rgba = np.full((height, width, 4), 65535, "<u2")
    rgba[:, :, :3] = data[:, :, :3] if bands >= 3 else data[:, :, :1]
    if bands in (2, 4):
        rgba[:, :, 3] = data[:, :, -1]
    rgba.tofile(out)
    return {"width": width, "height": height, "isPrimary": image.info["primary"]}


WIDTH, HEIGHT = 97, 61
MODES = [("L", 8), ("L", 10), ("LA", 8), ("RGB", 8), ("RGB", 10), ("RGB", 12), ("RGBA", 8), ("RGBA", 10), ("RGBA", 12)]
CICP = [None, (1, 13), (12, 13), (12, 16), (9, 16), (9, 18), (1, 2)]


def drawing(bands):
    """No side like another, smooth enough for a codec, and within what sRGB shows of a wide space."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    planes = [x / WIDTH, y / HEIGHT, (x * 0.3 + y * 0.7) / (WIDTH * 0.3 + HEIGHT * 0.7)]
    planes = [0.3 * plane + 0.7 * planes[2] for plane in planes]
    alpha = 0.25 + 0.75 * (x + y) / (WIDTH + HEIGHT)
    return np.stack({1: planes[:1], 2: [planes[0], alpha], 3: planes, 4: [*planes, alpha]}[bands], axis=-1)


def write_matrix(folder):
    chromas, tiles = itertools.cycle(["420", "422", "444"]), itertools.cycle([None, None, 64])
    codes = itertools.cycle(CICP)
    rows = []
    for (mode, bits), orientation in itertools.product(MODES, range(1, 9)):
        bands = len(mode)
        samples = drawing(bands)
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        if bits == 8:
            data, name = np.rint(samples * 255).astype(np.uint8), mode
        else:
            data, name = np.rint(samples * (2**bits - 1)).astype("<u2") << (16 - bits), mode + ";16"
        chroma, cicp, tile = next(chromas), next(codes), next(tiles)
        options = {"quality": 95, "chroma": chroma}
        if tile and bands == 3:
            options["tile_size"] = tile
        if cicp and bands >= 3:
            options.update(color_primaries=cicp[0], transfer_characteristics=cicp[1], matrix_coefficients=6, full_range_flag=1)
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = os.path.join(folder, f"m{len(rows)}.heic")
        heif = pillow_heif.from_bytes(mode=name, size=(WIDTH, HEIGHT), data=data.tobytes())
        heif.save(path, exif=exif.tobytes(), **options)
        told = list(cicp) if cicp and bands >= 3 else None
        rows.append({"path": path, "name": f"{mode} {bits} bit, orientation {orientation}, {options}", "cicp": told})
    return rows


asked = json.load(sys.stdin)
rows = write_matrix(asked["folder"]) if asked.get("matrix") else [{"path": path} for path in asked["paths"]]
for number, row in enumerate(rows):
    row["out"] = os.path.join(asked["folder"], f"{number}.raw")
    row.update(decode(row["path"], row["out"]))
print(json.dumps(rows))
