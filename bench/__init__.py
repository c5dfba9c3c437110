"""Benches, one file per question: `npm run bench -- [NAME ...]`.

Each measures us and our peers in turns in the same run, prints a table, and keeps every single
figure with the facts of the machine in `bench/results/NAME.json`.
"""
