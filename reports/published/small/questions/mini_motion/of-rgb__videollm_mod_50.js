given("of-rgb__videollm_mod_50",{"outcomes":"223333213321212331122321","labels":null});
