given("of-rgb__fastv_50",{"outcomes":"223333311321312331122331","labels":null});
