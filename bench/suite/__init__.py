"""What `bench/run` is made of.

    build       release binaries, wrk, nginx          machine   cores, clocks, facts
    contenders  the service and its floors, running   load      requests, wrk, media to ask for
    figures/    one file for each kind of figure      report    the table and the JSON
"""
