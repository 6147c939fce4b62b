given("of-rgb__random_5",{"outcomes":"321333223333312333332333","labels":null});
