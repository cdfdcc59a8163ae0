"""python -m benchmarks.stream"""

from benchmarks.stream.run import main

main()
