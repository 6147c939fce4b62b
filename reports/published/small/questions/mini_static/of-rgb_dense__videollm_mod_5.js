given("of-rgb_dense__videollm_mod_5",{"outcomes":"122121211212212121212112","labels":null});
