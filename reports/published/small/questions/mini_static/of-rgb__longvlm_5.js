given("of-rgb__longvlm_5",{"outcomes":"333333323332332333223332","labels":null});
