"""What ioos-qc, the reference implementation of QARTOD, says of a real river with faults put in.

Writes tests/data/ioos_qc/guaiba.csv, which tests/it/quality.rs holds our own tests against. Run it by hand when the series or the
limits change:

    python3 -m venv venv && venv/bin/pip install ioos_qc==3.0.0
    venv/bin/python tests/peers/ioos_qc/golden.py
"""

import csv
import datetime
import pathlib

import numpy as np
from ioos_qc import qartod

ROOT = pathlib.Path(__file__).resolve().parents[3]
HOUR = 3600

# Faults: what is added to the reading with this number, and where the river stands still for a day and a half.
ADDED = {300: 0.6, 500: 2.5, 800: -0.7, 801: 0.0, 1200: 4.0, 1500: -3.5, 1900: 0.55, 2300: 5.0, 2301: 5.0}
STILL = range(2500, 2650)

rows = list(csv.DictReader(open(ROOT / "simulations/data/guaiba_2024-05.csv")))
rows = [row for row in rows if row["stream"] == "level"]
times = [datetime.datetime.fromisoformat(row["time_utc"].replace("Z", "+00:00")) for row in rows]
values = np.array([float(row["value"]) for row in rows])
for index, amount in ADDED.items():
    values[index] += amount
values[STILL.start : STILL.stop] = values[STILL.start]
values = np.round(values, 3)
seconds = np.array([int(time.timestamp()) for time in times])

spike = qartod.spike_test(values, 0.3, 1.0)
rate = qartod.rate_of_change_test(values, seconds, 1.23 / HOUR, 4.1 / HOUR)
flat = qartod.flat_line_test(values, seconds, 12 * HOUR, 24 * HOUR, tolerance=0.005)
# Bounds that readings of the series are equal to.
gross = qartod.gross_range_test(values, (1.13, 5.35), (1.18, 5.0))

with open(ROOT / "tests/data/ioos_qc/guaiba.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["at", "value", "spike", "rate", "flat", "gross"])
    for row in zip(seconds, values, spike, rate, flat, gross):
        out.writerow([row[0], f"{row[1]:.3f}", *(int(flag) for flag in row[2:])])
