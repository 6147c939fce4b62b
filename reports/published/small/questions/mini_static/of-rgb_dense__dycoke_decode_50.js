given("of-rgb_dense__dycoke_decode_50",{"outcomes":"222121212112122112211212","labels":null});
