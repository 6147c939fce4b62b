given("of-rgb_dense__videollm_mod_25",{"outcomes":"221112222111212122122111","labels":null});
