given("of-rgb__longvlm_10",{"outcomes":"332333333333332333223332","labels":null});
