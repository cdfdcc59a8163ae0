"""python -m benchmarks.networks"""

from benchmarks.networks.run import main

main()
