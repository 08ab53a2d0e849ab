"""Run by ExaBGP: announces 160 foreign prefixes with made-up paths, then withdraws one or changes its path every half second or so."""

import os
import random
import threading
import time

PREFIXES = [f"100.{64 + number // 256}.{number % 256}.0/24" for number in range(120)] + [f"2001:db8:{0x4000 + number:x}::/48" for number in range(40)]
chance = random.Random(20211004)
announced = set()


def drain():
    while os.read(0, 4096):
        pass


def say(line):
    print(line, flush=True)


def announce(prefix):
    path = [64497, *(chance.randrange(131072, 140000) for _ in range(chance.randrange(1, 5)))]
    say(f"announce route {prefix} next-hop self as-path [ {' '.join(map(str, path))} ]")
    announced.add(prefix)


# ExaBGP answers every line.
threading.Thread(target=drain, daemon=True).start()
time.sleep(2)
for prefix in PREFIXES:
    announce(prefix)
while True:
    time.sleep(chance.expovariate(2.0))
    prefix = chance.choice(PREFIXES)
    if prefix not in announced or chance.random() < 0.5:
        announce(prefix)
    else:
        say(f"withdraw route {prefix} next-hop self")
        announced.discard(prefix)
