given("of-rgb__longvlm_25",{"outcomes":"323113233233312123332333","labels":null});
