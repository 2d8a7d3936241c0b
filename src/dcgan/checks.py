"""What the sizes of images and of networks must agree on."""

from dcgan.errors import UserError

SIZES = {base * 2**level: (base, level) for base in range(4, 8) for level in range(1, 20)}


def doublings(image_size: int) -> tuple[int, int]:
    """Split an image size into base·2^L: return (base, L), base in 4..7, L ≥ 1.

    The base is where the generator starts and the discriminator ends. 32 = 4·2³, 28 = 7·2².

    Raises:
        UserError: `image_size` is not of that form.
    """
    if image_size not in SIZES:
        smaller, larger = sorted(sorted(SIZES, key=lambda size: abs(size - image_size))[:2])
        raise UserError(
            f"image_size={image_size}: must be base·2^L with base 4, 5, 6 or 7 and L at least 1;"
            f" the nearest are {smaller} and {larger}"
        )
    return SIZES[image_size]
