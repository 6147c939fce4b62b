given("of-rgb__videollm_mod_5",{"outcomes":"122333333333122321232133","labels":null});
