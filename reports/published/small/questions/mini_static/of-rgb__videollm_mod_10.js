given("of-rgb__videollm_mod_10",{"outcomes":"122321333333122321232112","labels":null});
