given("of-rgb__videollm_mod_10",{"outcomes":"223331211323312331332321","labels":null});
