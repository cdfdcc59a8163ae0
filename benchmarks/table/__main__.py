"""python -m benchmarks.table"""

from benchmarks.table.run import main

main()
