given("of-rgb__savemem_5",{"outcomes":"333333333332333333231332","labels":null});
