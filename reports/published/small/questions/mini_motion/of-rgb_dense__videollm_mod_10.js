given("of-rgb_dense__videollm_mod_10",{"outcomes":"221111222212212122122111","labels":null});
