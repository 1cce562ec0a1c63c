"""The graphs that the generators write: the same one for us and for a peer."""

WIDTH = 100


def layered(n):
    """n steps in layers of WIDTH: yields (i, a, b), where a and b are the two steps of the layer before that step i reads, or
    None in the first layer. Every step of a layer is read by the next one, as 7 and 10 * WIDTH + 3 are prime to WIDTH."""
    for i in range(n):
        layer, j = divmod(i, WIDTH)
        if layer == 0:
            yield i, None, None
        else:
            before = (layer - 1) * WIDTH
            yield i, before + (7 * j + 1) % WIDTH, before + ((10 * WIDTH + 3) * j + 5) % WIDTH


def last_layer(n):
    return range((n - 1) // WIDTH * WIDTH, n)
