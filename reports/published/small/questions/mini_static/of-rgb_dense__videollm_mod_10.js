given("of-rgb_dense__videollm_mod_10",{"outcomes":"122112211112212121211212","labels":null});
