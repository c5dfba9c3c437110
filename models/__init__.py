"""Model files for the demo, the tests and the benches: fetched real ones and generated ones.

`models.fetch` gets published models, `models.generate` makes files of chosen shapes. Large files
are made once and kept in the folder that `models.cache` names.
"""
