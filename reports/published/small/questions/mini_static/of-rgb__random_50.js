given("of-rgb__random_50",{"outcomes":"332333323332123233233323","labels":null});
