given("of-rgb_dense__videollm_mod_50",{"outcomes":"221112222121212122122111","labels":null});
