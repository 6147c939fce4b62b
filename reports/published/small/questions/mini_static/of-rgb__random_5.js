given("of-rgb__random_5",{"outcomes":"333313223332123233223332","labels":null});
