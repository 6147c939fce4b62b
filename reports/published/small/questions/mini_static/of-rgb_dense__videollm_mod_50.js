given("of-rgb_dense__videollm_mod_50",{"outcomes":"212112212112122112211212","labels":null});
