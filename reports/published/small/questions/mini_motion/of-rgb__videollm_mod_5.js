given("of-rgb__videollm_mod_5",{"outcomes":"223331211323212331332321","labels":null});
