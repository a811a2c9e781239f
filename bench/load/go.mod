module firn/bench/load

go 1.19
