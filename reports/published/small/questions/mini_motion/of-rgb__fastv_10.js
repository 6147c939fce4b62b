given("of-rgb__fastv_10",{"outcomes":"223332311333312331122333","labels":null});
