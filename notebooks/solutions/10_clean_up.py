def in_order(refers_to):
    left = dict(refers_to)
    order = []
    while left:
        named = {target for targets in left.values() for target in targets}
        free = next(name for name in left if name not in named)
        order.append(free)
        del left[free]
    return order


walkthrough.try_exercise("10_clean_up", in_order)
