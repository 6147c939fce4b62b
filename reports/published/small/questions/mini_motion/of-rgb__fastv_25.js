given("of-rgb__fastv_25",{"outcomes":"223333311223312331122333","labels":null});
