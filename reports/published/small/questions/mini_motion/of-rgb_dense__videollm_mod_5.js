given("of-rgb_dense__videollm_mod_5",{"outcomes":"221111222212212212122111","labels":null});
