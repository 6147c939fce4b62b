given("of-rgb__fastv_10",{"outcomes":"323321332132123333222133","labels":null});
