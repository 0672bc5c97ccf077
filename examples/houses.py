"""Write `data/houses.csv`, an invented table with text, missing values, groups and columns of different scales."""

import csv
import sys
from pathlib import Path
from random import Random

ROWS = 800
COLUMNS = (
    *("area", "age", "rooms", "distance", "gas", "power", "wood", "district", "condition"),
    *("street", "sold_in", "trust", "price"),
)
DISTRICTS = {"harbour": 80.0, "hill": 140.0, "mill": 0.0, "station": 40.0}
CONDITIONS = {"1 poor": -30.0, "2 fair": 0.0, "3 good": 50.0}
MISSING_SHARE = 0.05
"""The share of missing values per column."""


def main() -> None:
    """Write the file that the first argument names, or `data/houses.csv`."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data" / "houses.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        random = Random(0)  # noqa: S311  # the same table every time
        writer.writerows(_draw_house(random) for _ in range(ROWS))
    print(f"wrote {path}")


def _draw_house(random: Random) -> list[object]:
    area = random.uniform(40, 240)
    rooms = max(1, round(area / 30 + random.gauss(0, 1)))
    age = random.uniform(0, 100)
    distance = random.lognormvariate(1, 1)
    gas, power, wood = (random.expovariate(1 / 50) for _ in range(3))
    district = random.choice(list(DISTRICTS))
    condition = random.choice(list(CONDITIONS))
    street = f"{district} {random.randint(1, 20)}"
    trust = random.choice((0.5, 1.0))
    worth = 100 + 3 * area - age - 5 * distance + DISTRICTS[district] + CONDITIONS[condition]
    price = round(1000 * (worth + random.gauss(0, 20 / trust)))
    features = [round(area, 1), round(age, 1), rooms, round(distance, 2)]
    consumption = [round(gas, 1), round(power, 1), round(wood, 1)]
    return [
        *(_drop_sometimes(random, value) for value in (*features, *consumption, district, condition)),
        *(street, random.choice((2023, 2024, 2025)), trust, _drop_sometimes(random, price)),
    ]


def _drop_sometimes(random: Random, value: object) -> object:
    return "" if random.random() < MISSING_SHARE else value


if __name__ == "__main__":
    main()
