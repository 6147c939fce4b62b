given("of-rgb__random_10",{"outcomes":"323223233333333123122333","labels":null});
