given("of-rgb__videollm_mod_25",{"outcomes":"223333211321312331332321","labels":null});
