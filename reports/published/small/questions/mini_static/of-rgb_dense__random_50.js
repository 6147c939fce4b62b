given("of-rgb_dense__random_50",{"outcomes":"122221211221212221222112","labels":null});
