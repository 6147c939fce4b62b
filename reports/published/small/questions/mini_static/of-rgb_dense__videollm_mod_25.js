given("of-rgb_dense__videollm_mod_25",{"outcomes":"212112212112212112211212","labels":null});
