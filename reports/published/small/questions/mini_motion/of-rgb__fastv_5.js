given("of-rgb__fastv_5",{"outcomes":"223332313333312231122331","labels":null});
