given("of-rgb_dense__longvlm_5",{"outcomes":"222111221212212222122114","labels":null});
