given("of-rgb__videollm_mod_25",{"outcomes":"332321333333122333233333","labels":null});
