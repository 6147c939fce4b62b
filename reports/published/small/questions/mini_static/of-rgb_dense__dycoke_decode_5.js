given("of-rgb_dense__dycoke_decode_5",{"outcomes":"222121212112122112211212","labels":null});
