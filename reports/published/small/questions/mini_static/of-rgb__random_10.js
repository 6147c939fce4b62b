given("of-rgb__random_10",{"outcomes":"332333333332332333333332","labels":null});
