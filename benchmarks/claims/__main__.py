from benchmarks.claims.run import main

if __name__ == "__main__":
    main()
