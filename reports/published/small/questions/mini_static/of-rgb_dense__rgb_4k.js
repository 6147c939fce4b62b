given("of-rgb_dense__rgb_4k",{"outcomes":"222121212112122112211212","labels":null});
